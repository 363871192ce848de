package holdfast

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// WithDiskCache keeps what is computed of prompts and answers in a folder, at
// most maxBytes of it, so that a prompt seen before is not read again after a
// restart. The folder may be shared by several models and processes. It holds the
// tokens of conversations: it is created for its owner alone. A disk that gets
// full ends the keeping, with a call of the function given to WithWarnings, and
// no request fails.
func WithDiskCache(dir string, maxBytes int64) Option {
	return func(c *config) error {
		if dir == "" || maxBytes <= 0 {
			return fmt.Errorf("holdfast: disk cache %q of %d bytes, expected a folder and a positive size", dir, maxBytes)
		}
		c.diskDir, c.diskBytes = dir, maxBytes
		return nil
	}
}

// WithWarnings calls f with what goes wrong beside the answers, such as a full
// disk. f may be called from any goroutine.
func WithWarnings(f func(error)) Option {
	return func(c *config) error { c.warn = f; return nil }
}

// openDisk opens the cache on disk, if one is asked for.
func (m *Model) openDisk(c *config) error {
	if c.diskDir == "" {
		return nil
	}
	id, err := m.identity(c)
	if err != nil {
		return err
	}
	m.disk, err = diskcache.Open(diskcache.Config{Dir: c.diskDir, MaxBytes: c.diskBytes, Identity: id, Warn: c.warn})
	return err
}

// identity names everything that the bytes of a cache block depend on: the
// weights, the element type, the layout, and how the machine rounds. Blocks of
// different identities are never mixed, so that an answer from the disk is the
// same, bit by bit, as one that was computed.
func (m *Model) identity(c *config) (string, error) {
	h := sha256.New()
	spec := m.model.CacheSpec()
	fmt.Fprintf(h, "layout 1 %s\narch %s\nelem %s exact %v block %d %d state %d\n", buildVersion(), runtime.GOARCH, c.kv, c.exact, spec.BlockTokens, spec.BlockBytes, spec.StateBytes)
	for _, i := range cpu.Impls() {
		fmt.Fprintf(h, "kernels %s %v\n", i.Name, i.On())
	}
	if err := hashFile(h, m.file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// buildVersion tells builds of this program apart: another one may lay blocks
// out in another way.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	v := []string{info.Main.Version}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "-tags" {
			v = append(v, s.Value)
		}
	}
	for _, d := range info.Deps {
		if strings.HasSuffix(d.Path, "/holdfast") { // this is built into another program
			v = append(v, d.Version)
		}
	}
	return strings.Join(v, " ")
}

// hashFile tells model files apart without reading all of them: by size, times,
// metadata, the table of tensors, and a sample of each tensor.
func hashFile(h io.Writer, f *gguf.File) error {
	fmt.Fprintf(h, "size %d\n", f.Size())
	for _, path := range f.Paths() {
		if i, err := os.Stat(path); err == nil { // a file in memory has none
			fmt.Fprintf(h, "file %d %d\n", i.Size(), i.ModTime().UnixNano())
		}
	}
	for _, key := range f.Keys() {
		if v, ok := f.Value(key); ok && !strings.HasPrefix(key, "tokenizer.") { // tokens come as numbers
			fmt.Fprintf(h, "%s=%v\n", key, v)
		}
	}
	var sample [1024]byte
	for _, t := range f.Tensors() {
		fmt.Fprintf(h, "tensor %s %v %v %d\n", t.Name, t.Type, t.Dims, t.Size)
		for _, off := range []int64{0, t.Size / 3, t.Size / 2, t.Size - int64(len(sample))} {
			off = max(0, off)
			b := sample[:min(int64(len(sample)), t.Size-off)]
			if n, err := f.ReadAt(&t, b, off); err != nil && n < len(b) {
				return fmt.Errorf("holdfast: tensor %s: %w", t.Name, err)
			}
			_, _ = h.Write(b) // a hash never fails
		}
	}
	return nil
}
