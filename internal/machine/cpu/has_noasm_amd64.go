//go:build noasm

package cpu

import xcpu "golang.org/x/sys/cpu"

// Every processor with AVX2 has the half-precision conversions; without CPUID
// that is as much as can be known, and without assembly nothing depends on it.
func f16cBit() bool { return xcpu.X86.HasAVX2 }
