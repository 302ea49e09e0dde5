// labcsi is a CSI driver for one node: a volume is a file system in memory (tmpfs), which has a size and takes another while
// it is used; a snapshot is a folder with a copy of it. Both end with the node.
//
// It registers itself with kubelet, which is otherwise the work of a sidecar of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const (
	driverName    = "hostpath.csi.lab.local"
	driverVersion = "1"
	// topologyKey is the label that says on which node a volume is.
	topologyKey = "csi.lab.local/node"
	// registrationSocket may have any name. Not the driver's: a socket's path may have 107 bytes, a lab's folder takes half.
	registrationSocket = "csi.sock"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "labcsi:", err)
		os.Exit(1)
	}
}

func run() error {
	node := flag.String("node", "", "name of the node in the cluster")
	folder := flag.String("folder", "", "folder for volumes and snapshots")
	socket := flag.String("socket", "", "socket to answer on")
	kubelet := flag.String("kubelet", "", "kubelet's folder: where it looks for drivers, and wants volumes")
	flag.Parse()
	if *node == "" || *folder == "" || *socket == "" || *kubelet == "" || flag.NArg() > 0 {
		flag.Usage()
		return errors.New("all four flags are needed, and nothing else")
	}
	store, err := openStore(*folder)
	if err != nil {
		return err
	}
	driver := &driver{node: *node, pods: filepath.Join(*kubelet, "pods"), store: store}
	ends := make(chan error, 2)
	serve := func(path string, register func(*grpc.Server)) error {
		// Left from a driver that was killed.
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		listener, err := net.Listen("unix", path)
		if err != nil {
			return err
		}
		server := grpc.NewServer(grpc.UnaryInterceptor(logFailures))
		register(server)
		go func() { ends <- server.Serve(listener) }()
		return nil
	}
	err = serve(*socket, func(server *grpc.Server) {
		csi.RegisterIdentityServer(server, driver)
		csi.RegisterControllerServer(server, driver)
		csi.RegisterNodeServer(server, driver)
	})
	if err != nil {
		return err
	}
	// Only now: kubelet asks the driver as soon as it sees the other socket.
	err = serve(filepath.Join(*kubelet, "plugins_registry", registrationSocket), func(server *grpc.Server) {
		registration.RegisterRegistrationServer(server, &registrar{socket: *socket})
	})
	if err != nil {
		return err
	}
	return <-ends
}

func logFailures(ctx context.Context, request any, call *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	answer, err := handler(ctx, request)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", call.FullMethod, err)
	}
	return answer, err
}

// registrar tells kubelet where the driver answers.
type registrar struct {
	registration.UnimplementedRegistrationServer
	socket string
}

func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              driverName,
		Endpoint:          r.socket,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

// NotifyRegistrationStatus ends the driver when kubelet refuses it: a driver that nobody uses should not look healthy.
func (r *registrar) NotifyRegistrationStatus(_ context.Context, status *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if !status.PluginRegistered {
		fmt.Fprintln(os.Stderr, "labcsi: kubelet refused the driver:", status.Error)
		os.Exit(1)
	}
	return &registration.RegistrationStatusResponse{}, nil
}
