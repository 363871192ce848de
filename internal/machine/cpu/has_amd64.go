package cpu

import xcpu "golang.org/x/sys/cpu"

func has(tier string) bool {
	x := &xcpu.X86
	avx2 := x.HasAVX2 && x.HasFMA && hasF16C()
	avx512 := avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL
	switch tier {
	case "avx2":
		return avx2
	case "avxvnni":
		return avx2 && x.HasAVXVNNI
	case "avx512":
		return avx512
	case "avx512vnni":
		return avx512 && x.HasAVX512VNNI
	case "avx512vbmi": // no tier of its own: some kernels of avx512vnni need it
		return avx512 && x.HasAVX512VNNI && x.HasAVX512VBMI
	case "avx512bf16":
		return avx512 && x.HasAVX512VNNI && x.HasAVX512BF16
	case "amx":
		return avx512 && x.HasAVX512VNNI && x.HasAMXTile && x.HasAMXInt8 && x.HasAMXBF16 && amxPermitted()
	}
	return false
}

// features lists what matters to a model, in the words of /proc/cpuinfo.
func features() []string {
	x := &xcpu.X86
	return present([]feature{
		{"sse4_2", x.HasSSE42},
		{"avx", x.HasAVX},
		{"f16c", hasF16C()},
		{"fma", x.HasFMA},
		{"avx2", x.HasAVX2},
		{"bmi2", x.HasBMI2},
		{"avx_vnni", x.HasAVXVNNI},
		{"avx512f", x.HasAVX512F},
		{"avx512bw", x.HasAVX512BW},
		{"avx512dq", x.HasAVX512DQ},
		{"avx512vl", x.HasAVX512VL},
		{"avx512_vbmi", x.HasAVX512VBMI},
		{"avx512_vbmi2", x.HasAVX512VBMI2},
		{"avx512_vnni", x.HasAVX512VNNI},
		{"avx512_bf16", x.HasAVX512BF16},
		{"amx_tile", x.HasAMXTile},
		{"amx_int8", x.HasAMXInt8},
		{"amx_bf16", x.HasAMXBF16},
	})
}

// hasF16C reports the half-precision conversions, which x/sys/cpu does not
// list: CPUID leaf 1, ECX bit 29. The operating system's part of the bargain
// (saving YMM registers) is what HasAVX says.
func hasF16C() bool { return xcpu.X86.HasAVX && f16cBit() }
