package main

import (
	"context"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// defaultSize is for a request that names none.
const defaultSize = 1 << 20

// driver answers all three services of CSI; the node's part is in node.go.
type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedNodeServer
	node string
	// pods is the one folder in which volumes are mounted and unmounted.
	pods  string
	store *store
}

func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: driverName, VendorVersion: driverVersion}, nil
}

func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

func (d *driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	service := func(kind csi.PluginCapability_Service_Type) *csi.PluginCapability {
		return &csi.PluginCapability{Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: kind}}}
	}
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{
		service(csi.PluginCapability_Service_CONTROLLER_SERVICE),
		service(csi.PluginCapability_Service_VOLUME_ACCESSIBILITY_CONSTRAINTS),
		{Type: &csi.PluginCapability_VolumeExpansion_{VolumeExpansion: &csi.PluginCapability_VolumeExpansion{
			Type: csi.PluginCapability_VolumeExpansion_ONLINE,
		}}},
	}}, nil
}

func (d *driver) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	kinds := []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
	}
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range kinds {
		rpc := &csi.ControllerServiceCapability_RPC{Type: kind}
		capability := &csi.ControllerServiceCapability{Type: &csi.ControllerServiceCapability_Rpc{Rpc: rpc}}
		answer.Capabilities = append(answer.Capabilities, capability)
	}
	return answer, nil
}

func (d *driver) CreateVolume(_ context.Context, request *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if request.GetName() == "" || !areSupported(request.GetVolumeCapabilities()) {
		return nil, status.Error(codes.InvalidArgument, "a volume needs a name, and is a file system for pods of one node")
	}
	size, limit := request.GetCapacityRange().GetRequiredBytes(), request.GetCapacityRange().GetLimitBytes()
	if size == 0 {
		size = defaultSize
	}
	if size < 0 || (limit > 0 && size > limit) {
		return nil, status.Errorf(codes.OutOfRange, "no size between %d and %d", size, limit)
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	id := idOf(request.GetName())
	found, err := d.store.find(volumes, id)
	if err != nil {
		return nil, internal(err)
	}
	from, source := sourceOf(request.GetVolumeContentSource())
	switch {
	case found == nil:
		folder, err := d.sourceFolder(from, source, size)
		if err != nil {
			return nil, err
		}
		found = &record{ID: id, Name: request.GetName(), Size: size, Source: source, Created: time.Now().UTC()}
		if err := d.store.create(volumes, found, folder); err != nil {
			return nil, internal(err)
		}
	case found.Size < size || (limit > 0 && found.Size > limit) || found.Source != source:
		return nil, status.Errorf(codes.AlreadyExists, "volume %q is there, with %d bytes and source %q", found.Name, found.Size, found.Source)
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId:           found.ID,
		CapacityBytes:      found.Size,
		ContentSource:      request.GetVolumeContentSource(),
		AccessibleTopology: []*csi.Topology{d.topology()},
	}}, nil
}

// sourceOf tells what a volume starts as a copy of; nothing is the volume with an empty id.
func sourceOf(source *csi.VolumeContentSource) (kind, string) {
	if snapshot := source.GetSnapshot(); snapshot != nil {
		return snapshots, snapshot.GetSnapshotId()
	}
	return volumes, source.GetVolume().GetVolumeId()
}

// sourceFolder finds the folder to copy for a volume of this size; none for an empty id.
func (d *driver) sourceFolder(from kind, id string, size int64) (string, error) {
	if id == "" {
		return "", nil
	}
	found, err := d.store.find(from, id)
	if err != nil {
		return "", internal(err)
	}
	if found == nil {
		return "", status.Errorf(codes.NotFound, "no %s %q to copy", from, id)
	}
	if found.Size > size {
		return "", status.Errorf(codes.OutOfRange, "a copy of %d bytes needs more than %d", found.Size, size)
	}
	return d.store.data(from, id), nil
}

func (d *driver) DeleteVolume(_ context.Context, request *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if request.GetVolumeId() == "" {
		return nil, status.Error(codes.InvalidArgument, "no volume id")
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	if err := d.store.remove(volumes, request.GetVolumeId()); err != nil {
		return nil, internal(err)
	}
	return &csi.DeleteVolumeResponse{}, nil
}

func (d *driver) ValidateVolumeCapabilities(_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	if _, err := d.volume(request.GetVolumeId()); err != nil {
		return nil, err
	}
	if !areSupported(request.GetVolumeCapabilities()) {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: "a volume is a file system for pods of one node"}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeCapabilities: request.GetVolumeCapabilities(),
	}}, nil
}

// ControllerExpandVolume notes the new size; kubelet then asks the node's part, which is when a pod's volume has it.
func (d *driver) ControllerExpandVolume(_ context.Context, request *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	found, err := d.volume(request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	size, limit := request.GetCapacityRange().GetRequiredBytes(), request.GetCapacityRange().GetLimitBytes()
	size = max(size, found.Size)
	if limit > 0 && size > limit {
		return nil, status.Errorf(codes.OutOfRange, "%d bytes are more than the limit of %d", size, limit)
	}
	found.Size = size
	if err := d.store.write(volumes, found); err != nil {
		return nil, internal(err)
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: size, NodeExpansionRequired: true}, nil
}

func (d *driver) CreateSnapshot(_ context.Context, request *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	if request.GetName() == "" {
		return nil, status.Error(codes.InvalidArgument, "a snapshot needs a name")
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	id := idOf(request.GetName())
	found, err := d.store.find(snapshots, id)
	if err != nil {
		return nil, internal(err)
	}
	if found != nil && found.Source != request.GetSourceVolumeId() {
		return nil, status.Errorf(codes.AlreadyExists, "snapshot %q is one of volume %q", found.Name, found.Source)
	}
	if found == nil {
		source, err := d.volume(request.GetSourceVolumeId())
		if err != nil {
			return nil, err
		}
		found = &record{ID: id, Name: request.GetName(), Size: source.Size, Source: source.ID, Created: time.Now().UTC()}
		if err := d.store.create(snapshots, found, d.store.data(volumes, source.ID)); err != nil {
			return nil, internal(err)
		}
	}
	return &csi.CreateSnapshotResponse{Snapshot: asSnapshot(found)}, nil
}

func (d *driver) DeleteSnapshot(_ context.Context, request *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	if request.GetSnapshotId() == "" {
		return nil, status.Error(codes.InvalidArgument, "no snapshot id")
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	if err := d.store.remove(snapshots, request.GetSnapshotId()); err != nil {
		return nil, internal(err)
	}
	return &csi.DeleteSnapshotResponse{}, nil
}

// ListSnapshots gives all in one page: a lab has a handful.
func (d *driver) ListSnapshots(_ context.Context, request *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	if request.GetStartingToken() != "" {
		return nil, status.Error(codes.Aborted, "there is one page only")
	}
	d.store.lock.Lock()
	defer d.store.lock.Unlock()
	all, err := d.store.list(snapshots)
	if err != nil {
		return nil, internal(err)
	}
	answer := &csi.ListSnapshotsResponse{}
	isWanted := func(wish, id string) bool { return wish == "" || wish == id }
	for _, found := range all {
		if isWanted(request.GetSnapshotId(), found.ID) && isWanted(request.GetSourceVolumeId(), found.Source) {
			answer.Entries = append(answer.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: asSnapshot(found)})
		}
	}
	return answer, nil
}

// volume is called with the lock held.
func (d *driver) volume(id string) (*record, error) {
	if id == "" {
		return nil, status.Error(codes.InvalidArgument, "no volume id")
	}
	found, err := d.store.find(volumes, id)
	if err != nil {
		return nil, internal(err)
	}
	if found == nil {
		return nil, status.Errorf(codes.NotFound, "no volume %q", id)
	}
	return found, nil
}

func (d *driver) topology() *csi.Topology {
	return &csi.Topology{Segments: map[string]string{topologyKey: d.node}}
}

func asSnapshot(found *record) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId:     found.ID,
		SourceVolumeId: found.Source,
		SizeBytes:      found.Size,
		CreationTime:   timestamppb.New(found.Created),
		ReadyToUse:     true,
	}
}

// areSupported refuses block devices, and access from several nodes.
func areSupported(capabilities []*csi.VolumeCapability) bool {
	for _, capability := range capabilities {
		switch capability.GetAccessMode().GetMode() {
		case csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY,
			csi.VolumeCapability_AccessMode_MULTI_NODE_SINGLE_WRITER,
			csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER:
			return false
		}
		if capability.GetMount() == nil {
			return false
		}
	}
	return len(capabilities) > 0
}

func internal(err error) error { return status.Error(codes.Internal, err.Error()) }
