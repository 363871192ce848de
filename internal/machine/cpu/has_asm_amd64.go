//go:build !noasm

package cpu

func f16cBit() bool {
	_, _, c, _ := cpuid(1, 0)
	return c>>29&1 == 1
}

// cpuid executes CPUID with EAX=leaf and ECX=sub.
//
//go:noescape
func cpuid(leaf, sub uint32) (a, b, c, d uint32)
