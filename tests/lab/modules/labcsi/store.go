package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// record is what is known of a volume or snapshot; it lies beside the data, so the driver itself has no state.
type record struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Source is the volume of a snapshot, or what a volume was filled from.
	Source  string    `json:"source,omitempty"`
	Created time.Time `json:"created"`
}

// kind is a folder of records.
type kind string

const (
	volumes   kind = "volumes"
	snapshots kind = "snapshots"
)

type store struct {
	folder string
	// lock is held over each whole operation: sidecars ask for the same thing again while it is being done.
	lock sync.Mutex
}

func openStore(folder string) (*store, error) {
	for _, kind := range []kind{volumes, snapshots} {
		if err := os.MkdirAll(filepath.Join(folder, string(kind)), 0o755); err != nil {
			return nil, err
		}
	}
	return &store{folder: folder}, nil
}

// idOf is the same for the same name, so that a request that is made twice finds what the first one made.
func idOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// isID keeps what comes from outside from being a path.
func isID(id string) bool {
	bytes, err := hex.DecodeString(id)
	return err == nil && len(bytes) == 16 && hex.EncodeToString(bytes) == id
}

func (s *store) path(kind kind, id string) string { return filepath.Join(s.folder, string(kind), id) }
func (s *store) data(kind kind, id string) string { return filepath.Join(s.path(kind, id), "data") }

// find gives nil when there is no such record.
func (s *store) find(kind kind, id string) (*record, error) {
	if !isID(id) {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(s.path(kind, id), "record.json"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found record
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("record of %s %s: %w", kind, id, err)
	}
	return &found, nil
}

func (s *store) list(kind kind) ([]*record, error) {
	entries, err := os.ReadDir(filepath.Join(s.folder, string(kind)))
	if err != nil {
		return nil, err
	}
	var records []*record
	for _, entry := range entries {
		found, err := s.find(kind, entry.Name())
		if err != nil {
			return nil, err
		}
		if found != nil {
			records = append(records, found)
		}
	}
	return records, nil
}

// create makes a folder with a copy of `from`, or an empty one; the record comes last and makes it count.
func (s *store) create(kind kind, record *record, from string) error {
	// Left from a creation that was interrupted.
	if err := s.remove(kind, record.ID); err != nil {
		return err
	}
	data := s.data(kind, record.ID)
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	if kind == volumes {
		// Pods run as any user.
		if err := syscall.Mount(driverName, data, "tmpfs", 0, fmt.Sprintf("mode=0777,size=%d", record.Size)); err != nil {
			return err
		}
	}
	if from != "" {
		// `cp` keeps owners, modes, times and links.
		if output, err := exec.Command("cp", "-a", from+"/.", data).CombinedOutput(); err != nil {
			return fmt.Errorf("copy of %s: %w: %s", from, err, output)
		}
	}
	return s.write(kind, record)
}

// resize gives a volume the size that its record says.
func (s *store) resize(record *record) error {
	return syscall.Mount("", s.data(volumes, record.ID), "", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", record.Size))
}

func (s *store) write(kind kind, record *record) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	path := filepath.Join(s.path(kind, record.ID), "record.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// remove is content with nothing to remove, and never leaves its folder.
func (s *store) remove(kind kind, id string) error {
	if !isID(id) {
		return nil
	}
	// Not mounted, or not there: a snapshot, or done before.
	err := syscall.Unmount(s.data(kind, id), unmountNoFollow)
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	return os.RemoveAll(s.path(kind, id))
}
