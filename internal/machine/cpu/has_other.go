//go:build !amd64 && !arm64

package cpu

func has(string) bool { return false }

func features() []string { return nil }
