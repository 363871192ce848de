package matmul

// maxTile is the largest number of activation rows that one kernel call takes.
const maxTile = 12

// A Scratch is the working memory of one worker. It grows when a larger matrix
// comes and is then reused; it must not be shared between goroutines that run
// at the same time.
type Scratch struct {
	offs     [maxTile]int                        // byte offset of each activation row
	tile     [maxChunk * maxTile * Group]float32 // sums: [groups][rows][Group]
	unit     unit
	panel    []byte    // a packed or unpacked group of rows
	wide     []byte    // groups in a wide layout
	rows     []float32 // the dequantised rows of a group
	q        []int8    // the unpacked rows of a group
	scale    []float32 // and their scales
	arranged actBuf    // activations in the order of a layout
	vals     []float32 // one unit in float32, [cols][Group]
	amx      amxScratch
}

// NewScratch returns an empty Scratch.
func NewScratch() *Scratch { return &Scratch{} }

// bytes returns n bytes of s.panel, growing it if needed.
func (s *Scratch) bytes(n int) []byte {
	if len(s.panel) < n {
		s.panel = alignedBytes(n)
	}
	return s.panel[:n]
}
