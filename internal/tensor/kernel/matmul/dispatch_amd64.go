//go:build !noasm

package matmul

import (
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

//go:generate env GOWORK=off go run -C _asm . -out ..

var (
	useAVX2 = cpu.Has("avx2")
	useVNNI = cpu.Has("avx512vnni")
	// useVBMI belongs to the tier of useVNNI: processors have both, but for the
	// first that had VNNI.
	useVBMI = cpu.Has("avx512vbmi")
)

// prefetchNear, prefetchOne and prefetchFar are how many bytes ahead of its loads a
// kernel prefetches: near, into the first-level cache, where one row of activations
// costs next to no computation (Q8_0, F32); one, into the second, for one row of the
// other types; far, for more rows. The assembly reads them.
//
// An AMD Zen 4 reads fastest when its own prefetchers see the loads early and many
// of them are under way: 32 GB/s of Q8_0 on one thread with 0 to 256 bytes, 20 with
// 512 and more. That fails where the codes of a line take twenty instructions: few
// lines fit into what the core looks ahead, and memory waits. Then every line must
// be asked for by name, farther ahead than the hardware does and nearer than what
// the cache forgets: two threads read MXFP4 at 27 GB/s with 64 bytes, 31 with 4 KB,
// 36 with 6 KB and more, where reading alone does 44. In a C copy of the loop, where
// reading alone did 30, 6 KB reached 31, 64 bytes 25 and 2 KB 22, and with one line in
// seventeen left out even 6 KB fell to 21. An Intel core with few line fill
// buffers gains from the larger distance. With more rows the computation hides
// nothing by itself: 8 rows of Q8_0 ran at 10 GB/s with any near distance and at 22
// with the far one.
var (
	prefetchNear = 4096  //nolint:unused // read by the assembly
	prefetchOne  = 4096  //nolint:unused // read by the assembly
	prefetchFar  = 16384 //nolint:unused // read by the assembly
)

func init() {
	if vendorAMD() {
		prefetchNear, prefetchOne = 64, 6144
	}
	cpu.Register("avx2", &useAVX2)
	cpu.Register("avx512vnni", &useVNNI)
	cpu.Register("avx512vnni", &useVBMI)
	for t, ks := range vnniKernels() {
		tiledLayout(t).vnni = ks
	}
	for t, ks := range vbmiKernels() {
		tiledLayout(t).vbmi = ks
	}
	for t, ks := range avx2Kernels() {
		tiledLayout(t).avx2 = ks
	}
	for t, e := range vbmiExpanders() {
		layoutOf(t).expandVBMI = e
	}
	for t, e := range arrangeExpanders() {
		layoutOf(t).arrange = e
	}
	for t, e := range avx2Expanders() {
		layoutOf(t).expandAVX2 = e
	}
}

// kernels returns the kernels of the best tier that is on, in rising order of
// their tiles, or nil for the portable code.
func (l *layout) kernels() []tileKernel {
	switch {
	case useVBMI && l.vbmi != nil:
		return l.vbmi
	case useVNNI && l.vnni != nil:
		return l.vnni
	case useAVXVNNI && l.avxvnni != nil:
		return l.avxvnni
	case useAVX2:
		return l.avx2
	}
	return nil
}

// expander returns the expander of the best tier that is on, or nil.
func (l *layout) expander() expander {
	switch {
	case useVBMI && l.expandVBMI != nil:
		return l.expandVBMI
	case useAVX2:
		return l.expandAVX2
	}
	return nil
}

// arranger returns what brings activations into the order that the kernels of the
// layout want, or nil if that is their own.
func (l *layout) arranger() expander {
	if useVBMI {
		return l.arrange
	}
	return nil
}
