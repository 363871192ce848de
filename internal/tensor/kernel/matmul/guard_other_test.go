//go:build !unix

package matmul

import "testing"

// guarded returns n elements. There is no guard page on this system.
func guarded[T any](t testing.TB, n int) []T {
	t.Helper()
	return make([]T, n)
}
