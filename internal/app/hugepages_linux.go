package app

import (
	"os"
	"strings"
)

// hugePages says when the kernel gives transparent huge pages: "always",
// "madvise" (holdfast asks for them) or "never".
func hugePages() string {
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil {
		return "not known"
	}
	_, rest, ok := strings.Cut(string(b), "[")
	word, _, closed := strings.Cut(rest, "]")
	if !ok || !closed {
		return "not known"
	}
	switch word {
	case "always", "madvise":
		return word + " (used for weights and caches)"
	}
	return word + " (not used)"
}
