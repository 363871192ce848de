// Package identity says whether cache blocks on disk may be used: whether they
// were made by the same model on a program that computes the same.
package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// Of names everything that the bytes of a cache block depend on: the weights,
// the element type, the layout, and how the machine rounds. Blocks of different
// identities are never mixed, so that an answer from the disk is the same, bit
// by bit, as one that was computed.
func Of(f *gguf.File, spec model.CacheSpec, elem fmt.Stringer, exact, deterministic bool) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "layout 1 %s\narch %s\nelem %s exact %v deterministic %v block %d %d state %d\n", buildVersion(), runtime.GOARCH, elem, exact, deterministic, spec.BlockTokens, spec.BlockBytes, spec.StateBytes)
	for _, i := range cpu.Impls() {
		fmt.Fprintf(h, "kernels %s %v\n", i.Name, i.On())
	}
	if err := hashFile(h, f); err != nil {
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
				return fmt.Errorf("identity: tensor %s: %w", t.Name, err)
			}
			_, _ = h.Write(b) // a hash never fails
		}
	}
	return nil
}
