//go:build !noasm && emulatedamx

package attend

// amxTier names what the AMX bodies need beside AMX itself.
const amxTier = "avx512bf16"
