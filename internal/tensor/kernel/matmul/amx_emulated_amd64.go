//go:build !noasm && emulatedamx

package matmul

// amxTier names what the AMX kernels need beside AMX itself.
const amxTier = "avx512vnni"
