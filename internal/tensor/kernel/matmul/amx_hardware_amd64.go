//go:build !noasm && !emulatedamx

package matmul

// amxTier names what the AMX kernels need.
const amxTier = "amx"
