// labnetpol enforces NetworkPolicies on one node of the lab, with iptables and ipset in the node's network namespace.
//
// Every change leads to a complete new set of chains, loaded at once by iptables-restore: enough for a lab, and real
// packets are really dropped. It must run in the node's namespaces; iptables, iptables-restore and ipset must be there.
package main

import (
	"context"
	"flag"
	"log"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	node := flag.String("node", "", "name of the node whose pods are guarded")
	flag.Parse()
	if err := run(*kubeconfig, *node); err != nil {
		log.Fatal(err)
	}
}

func run(kubeconfig, node string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	namespaces := factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()

	changed := make(chan struct{}, 1)
	mark := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { mark() },
		DeleteFunc: func(any) { mark() },
		UpdateFunc: func(before, after any) {
			if matters(before, after) {
				mark()
			}
		},
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	ctx := context.Background()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	mark()

	firewall := firewall{}
	for range changed {
		started := time.Now()
		state := state{node: node, namespaces: map[string]labels.Set{}}
		all, err := pods.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		for _, pod := range all {
			if hasAddress(pod) {
				state.pods = append(state.pods, pod)
			}
		}
		known, err := namespaces.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		for _, namespace := range known {
			state.namespaces[namespace.Name] = namespace.Labels
		}
		if state.policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		rules := state.rules()
		if err := firewall.load(rules); err != nil {
			log.Print(err)
			time.AfterFunc(time.Second, mark)
			continue
		}
		log.Printf("%d policies, %d pods, %d chains in %v", len(state.policies), len(state.pods), len(rules.chains), time.Since(started))
	}
	return nil
}

// matters tells whether a change of a pod can change a rule; every change of other kinds can.
func matters(before, after any) bool {
	was, ok := before.(*corev1.Pod)
	if !ok {
		return true
	}
	is, ok := after.(*corev1.Pod)
	return !ok || was.Status.PodIP != is.Status.PodIP || was.Status.Phase != is.Status.Phase ||
		!labels.Equals(was.Labels, is.Labels)
}

func hasAddress(pod *corev1.Pod) bool {
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !ended
}
