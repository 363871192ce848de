//go:build !linux

package app

// hugePages says when the system gives transparent huge pages.
func hugePages() string { return "up to the system" }
