//go:build !noasm && !emulatedamx

package attend

// amxTier names what the AMX bodies need.
const amxTier = "amx"
