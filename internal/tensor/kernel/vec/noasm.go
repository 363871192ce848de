//go:build noasm || !amd64

package vec

func dot(a, b []float32) float32 { return dotGo(a, b) }

func axpyRelu(dst []float64, a float32, x []float32) { axpyReluGo(dst, a, x) }

func axpy(dst []float32, a float32, x []float32) { axpyGo(dst, a, x) }

func add(dst, x []float32) { addGo(dst, x) }

func mul(dst, x []float32) { mulGo(dst, x) }

func maxOf(x []float32) float32 { return maxGo(x) }

func sumSquares(x []float32) float64 { return sumSquaresGo(x) }

func scaleTo(dst, x []float32, a float32) { scaleToGo(dst, x, a) }

func scaleMul(dst, x []float32, a float32, w []float32) { scaleMulGo(dst, x, a, w) }

func expSub(dst, x []float32, m float32) float32 { return expSubGo(dst, x, m) }

func sigmoid(dst, x []float32) { sigmoidGo(dst, x) }

func swiglu(dst, gate, up []float32) { swigluGo(dst, gate, up) }

func ropeNorm(x, cs []float32) { ropeNormGo(x, cs) }

func ropeNeox(x, cs []float32) { ropeNeoxGo(x, cs) }

func f32ToF16(dst []uint16, x []float32) { f32ToF16Go(dst, x) }

func f16ToF32(dst []float32, x []uint16) { f16ToF32Go(dst, x) }

func f32ToBF16(dst []uint16, x []float32) { f32ToBF16Go(dst, x) }

func bf16ToF32(dst []float32, x []uint16) { bf16ToF32Go(dst, x) }

func dotF16(a []float32, b []uint16) float32 { return dotF16Go(a, b) }
