package main

import (
	"crypto/sha256"
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// state is what the cluster says at one moment.
type state struct {
	node       string
	pods       []*corev1.Pod
	namespaces map[string]labels.Set
	policies   []*networkingv1.NetworkPolicy
}

// rules is what the kernel has to be told: sets of addresses by name, and the text of chains.
type rules struct {
	sets   map[string][]string
	chains []string
	lines  []string
}

func short(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

func (s *state) rules() *rules {
	r := &rules{sets: map[string][]string{}}
	r.lines = append(r.lines, "-A LABNP -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN")
	for _, pod := range s.pods {
		if pod.Spec.NodeName == s.node {
			s.guard(r, pod)
		}
	}
	return r
}

// guard adds the chains of one pod: what any policy allows returns, the rest is dropped.
func (s *state) guard(r *rules, pod *corev1.Pod) {
	var ingress, egress []string
	var guardsIngress, guardsEgress bool
	for _, policy := range s.policies {
		if policy.Namespace != pod.Namespace || !selects(&policy.Spec.PodSelector, pod.Labels) {
			continue
		}
		for _, direction := range policy.Spec.PolicyTypes {
			switch direction {
			case networkingv1.PolicyTypeIngress:
				guardsIngress = true
				for _, rule := range policy.Spec.Ingress {
					ingress = append(ingress, s.allowed(r, policy.Namespace, rule.From, "src", rule.Ports, pod)...)
				}
			case networkingv1.PolicyTypeEgress:
				guardsEgress = true
				for _, rule := range policy.Spec.Egress {
					egress = append(egress, s.allowed(r, policy.Namespace, rule.To, "dst", rule.Ports, nil)...)
				}
			}
		}
	}
	if guardsIngress {
		r.chain("I", "-d", pod, ingress)
	}
	if guardsEgress {
		r.chain("E", "-s", pod, egress)
	}
}

func (r *rules) chain(kind, match string, pod *corev1.Pod, allowed []string) {
	name := "LNP" + kind + short(pod.Namespace+"/"+pod.Name)
	r.chains = append(r.chains, name)
	r.lines = append(r.lines, fmt.Sprintf("-A LABNP %s %s/32 -j %s", match, pod.Status.PodIP, name))
	for _, rule := range allowed {
		r.lines = append(r.lines, "-A "+name+rule+" -j RETURN")
	}
	r.lines = append(r.lines, "-A "+name+" -j DROP")
}

// allowed gives the matches of one rule: its peers times its ports. No peers and no ports mean all of them.
func (s *state) allowed(
	r *rules, namespace string, peers []networkingv1.NetworkPolicyPeer, side string,
	ports []networkingv1.NetworkPolicyPort, target *corev1.Pod,
) []string {
	match := ""
	if len(peers) > 0 {
		match = " -m set --match-set " + r.set(s.addresses(namespace, peers)) + " " + side
	}
	if len(ports) == 0 {
		return []string{match}
	}
	var matches []string
	for _, port := range ports {
		if text, ok := portMatch(port, target); ok {
			matches = append(matches, match+text)
		}
	}
	return matches
}

// set names a set after what is in it, so that equal sets are one.
func (r *rules) set(elements []string) string {
	sort.Strings(elements)
	name := "LNP" + short(strings.Join(elements, " "))
	r.sets[name] = elements
	return name
}

func (s *state) addresses(namespace string, peers []networkingv1.NetworkPolicyPeer) []string {
	var found []string
	for _, peer := range peers {
		if block := peer.IPBlock; block != nil {
			found = append(found, block.CIDR)
			for _, except := range block.Except {
				found = append(found, except+" nomatch")
			}
			continue
		}
		for _, pod := range s.pods {
			sameNamespace := peer.NamespaceSelector == nil && pod.Namespace == namespace
			if !sameNamespace && (peer.NamespaceSelector == nil || !selects(peer.NamespaceSelector, s.namespaces[pod.Namespace])) {
				continue
			}
			if peer.PodSelector == nil || selects(peer.PodSelector, pod.Labels) {
				found = append(found, pod.Status.PodIP)
			}
		}
	}
	return found
}

// portMatch gives no match for a named port that the target does not have: then the rule allows nothing.
func portMatch(port networkingv1.NetworkPolicyPort, target *corev1.Pod) (string, bool) {
	protocol := "tcp"
	if port.Protocol != nil {
		protocol = strings.ToLower(string(*port.Protocol))
	}
	match := " -p " + protocol
	if port.Port == nil {
		return match, true
	}
	number := port.Port.IntVal
	if port.Port.Type == intstr.String {
		number = namedPort(target, port.Port.StrVal)
	}
	switch {
	case number == 0:
		return "", false
	case port.EndPort != nil:
		return fmt.Sprintf("%s --dport %d:%d", match, number, *port.EndPort), true
	default:
		return fmt.Sprintf("%s --dport %d", match, number), true
	}
}

func namedPort(pod *corev1.Pod, name string) int32 {
	if pod == nil {
		return 0
	}
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name {
				return port.ContainerPort
			}
		}
	}
	return 0
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(set))
}
