//go:build !amd64 || noasm

package probe

func read(b []byte) uint64 { return readGo(b) }

// loops has nothing: compiled Go says little about a machine's vector units.
func loops() []loop { return nil }
