//go:build !noasm

package matmul

// storeFull stores or adds n rows of a whole group, ld values apart, and reports
// whether it did.
func storeFull(dst []float32, ld int, tile []float32, n int, add bool) bool {
	if !useAVX2 {
		return false
	}
	_, _ = dst[(n-1)*ld+Group-1], tile[n*Group-1]
	if add {
		storeAddAVX2(&dst[0], 4*ld, &tile[0], n)
	} else {
		storeAVX2(&dst[0], 4*ld, &tile[0], n)
	}
	return true
}

// storeAVX2 copies n rows of 16 values to rows that are stride bytes apart.
//
//go:noescape
func storeAVX2(dst *float32, stride int, tile *float32, n int)

// storeAddAVX2 adds them to what is there.
//
//go:noescape
func storeAddAVX2(dst *float32, stride int, tile *float32, n int)
