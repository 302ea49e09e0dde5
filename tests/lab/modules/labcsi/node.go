package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unmountNoFollow is UMOUNT_NOFOLLOW of umount2(2), which package syscall does not name.
const unmountNoFollow = 0x8

func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: d.node, AccessibleTopology: d.topology()}, nil
}

func (d *driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	kinds := []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
		csi.NodeServiceCapability_RPC_GET_VOLUME_STATS,
	}
	answer := &csi.NodeGetCapabilitiesResponse{}
	for _, kind := range kinds {
		rpc := &csi.NodeServiceCapability_RPC{Type: kind}
		capability := &csi.NodeServiceCapability{Type: &csi.NodeServiceCapability_Rpc{Rpc: rpc}}
		answer.Capabilities = append(answer.Capabilities, capability)
	}
	return answer, nil
}

// NodePublishVolume binds the volume to where kubelet wants it for a pod.
func (d *driver) NodePublishVolume(_ context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	target := request.GetTargetPath()
	if !areSupported([]*csi.VolumeCapability{request.GetVolumeCapability()}) {
		return nil, status.Error(codes.InvalidArgument, "a volume is a file system for pods of one node")
	}
	if err := d.checkTarget(target); err != nil {
		return nil, err
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	found, err := d.volume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	mounted, err := isMounted(target)
	if err != nil {
		return nil, internal(err)
	}
	if mounted {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	if err := os.MkdirAll(target, 0o750); err != nil {
		return nil, internal(err)
	}
	if err := syscall.Mount(d.store.data(volumes, found.ID), target, "", syscall.MS_BIND, ""); err != nil {
		return nil, internal(err)
	}
	if request.GetReadonly() {
		// The kernel takes this flag of a bind mount in a second step only.
		if err := syscall.Mount("", target, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			return nil, internal(errors.Join(err, syscall.Unmount(target, 0)))
		}
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

func (d *driver) NodeUnpublishVolume(_ context.Context, request *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	target := request.GetTargetPath()
	if err := d.checkTarget(target); err != nil {
		return nil, err
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	// Not mounted, or not there: done before.
	err := syscall.Unmount(target, unmountNoFollow)
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
		return nil, internal(err)
	}
	// Never more than an empty folder: were it still mounted, the volume's content would go.
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return nil, internal(err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// NodeExpandVolume gives the volume the size that the controller's part noted; pods that have it see that at once.
func (d *driver) NodeExpandVolume(_ context.Context, request *csi.NodeExpandVolumeRequest) (*csi.NodeExpandVolumeResponse, error) {
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	found, err := d.volume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if err := d.store.resize(found); err != nil {
		return nil, internal(err)
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: found.Size}, nil
}

func (d *driver) NodeGetVolumeStats(_ context.Context, request *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	d.store.lock.Lock()
	found, err := d.volume(request.GetVolumeId())
	d.store.lock.Unlock()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(request.GetVolumePath()); err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	var stats syscall.Statfs_t
	if err := syscall.Statfs(d.store.data(volumes, found.ID), &stats); err != nil {
		return nil, internal(err)
	}
	usage := func(unit csi.VolumeUsage_Unit, each int64, all, free uint64) *csi.VolumeUsage {
		return &csi.VolumeUsage{Unit: unit, Total: int64(all) * each, Used: int64(all-free) * each, Available: int64(free) * each}
	}
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{
		usage(csi.VolumeUsage_BYTES, stats.Bsize, stats.Blocks, stats.Bfree),
		usage(csi.VolumeUsage_INODES, 1, stats.Files, stats.Ffree),
	}}, nil
}

// checkTarget refuses every place that is not in the folder of a pod: the driver may mount and unmount anything.
func (d *driver) checkTarget(target string) error {
	if filepath.Clean(target) != target || !strings.HasPrefix(target, d.pods+"/") {
		return status.Errorf(codes.InvalidArgument, "%q is not below %s", target, d.pods)
	}
	return nil
}

// isMounted looks whether something is mounted at exactly this path.
func isMounted(path string) (bool, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// The fifth field is the place, with spaces and the like as octal escapes, which paths of kubelet's never have.
		if fields := strings.Fields(lines.Text()); len(fields) > 4 && fields[4] == path {
			return true, nil
		}
	}
	return false, lines.Err()
}
