// Package num converts single numbers between float32 and the small floating
// point formats that weights, caches and scales are stored in.
//
//	format  sign exponent mantissa bias  special values
//	F16        1        5       10   15  infinities, NaN (IEEE 754 binary16)
//	BF16       1        8        7  127  infinities, NaN (the upper half of a float32)
//	E4M3       1        4        3    7  one NaN, no infinity (OCP FP8 E4M3, the "fn" form)
//	UE4M3      0        4        3    7  0x7F reads as zero (NVFP4 block scales)
//	E8M0       0        8        0  127  one NaN, no zero (OCP microscaling block scales)
//
// All conversions to a smaller format round to nearest, ties to even, keep
// subnormals, and turn a NaN into a quiet NaN. These functions are the
// definition; vectorised conversions elsewhere must agree with them.
package num
