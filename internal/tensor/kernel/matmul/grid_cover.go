package matmul

import "encoding/binary"

// The 2048 points of IQ1 and the 1024 points of IQ2_S are many for byte
// permutations: 16 and 8 for each half of the coordinates. But a point is a pair of
// halves, each one of 81 vectors, and the pairs fill the square of all pairs so
// unevenly that few rectangles, sets of first halves times sets of second ones,
// cover them: 16 rectangles of 16 by 16 vectors those of IQ1, and 8 those of IQ2_S.
// So packing renumbers the points: 4 bits (3) for the rectangle, 4 for the vector
// of the first half in it, and 4 for that of the second. Each half then depends on 8
// bits (7), and two permutations (one) find it.
//
// The rectangles were found by simulated annealing; see TestSearchRectangles.

// A rectangle is a choice of first and of second halves.
type rectangle struct{ first, second [side]int }

const (
	halfVectors = 81 // vectors of four coordinates of three values
	side        = 16 // vectors of a rectangle's sides
)

// The rectangles as texts: a letter stands for a vector, 16 letters for a side.
const rectanglesIQ1 = "" +
	"(*,02:DMST\\^_`pr(*.<BDGLMSY^dfvx" +
	"(*.8:<BGJV`dfkpv05:@FQRTVZ`jklpr" +
	")-137=CEUXcegsuw*,28>?DFJLRXYZhj" +
	")-3=?GHIQSZ`aenw*46=HNPQV\\_bilnt" +
	").5<@BGOQYdfhkvx(*.<BGMOSY^dfovx" +
	"*28>CDFPQTUbhlnt,-347;IPQUWZ\\muw" +
	"+,69GLMOPRSY[]_q),28>DFJLRTXZhjs" +
	"+7;ACFKPW[]_coqu46HNOPQV\\]bclntu" +
	",-46HJLNRVXY\\]jt+46EHKPW]_egimqu" +
	",/46HJLNRVXZ\\gjt)-359;AJMOQS[^lw" +
	",46HJLMRVXZ\\_jqt/17=?CGHIUYackos" +
	"/159:EMOYbfgikms046;HINPV\\blnqtu" +
	"/5;?AIKNQWaijkmo,28>DFJLRTXZhjkw" +
	"015>@MOQSY^jlrtx015:@JOQTZ]`ckpr" +
	"278=>?DFPTabhlno+/1589?GMXYagiqs" +
	"28>DFNPTbehlmnsu)=ACEKOS[]_bceko"

const rectanglesIQ2S = "" +
	"(*,.024:<@DFL^dl,024>DFHJLPVX^`j" +
	"(*,.24:BDFL\\^frx(*.68:<@NR\\bdhpx" +
	"(68>HJNPRVX`bhjp(*,.24:DFLTZ^lnt" +
	")+-137?ACKQ[giqw)+19CKQSUWY_acmo" +
	")+/159;=CEGISYmq)+/17;?CIO[]egkq" +
	")+1CMOUW]_aceksu)+-135=ACEGMisuw" +
	"*0<@BRTXZ`dfnrtv(,0<>BHRTVfhprvx" +
	"-/357;=EGIMOU_ag-/357;=EGIMOU_ag"

// parseRectangles reads rectangles: the letter '(' is vector 0.
func parseRectangles(text string) []rectangle {
	rs := make([]rectangle, len(text)/(2*side))
	for i := range rs {
		letters := text[2*side*i:]
		for k := range side {
			rs[i].first[k], rs[i].second[k] = int(letters[k]-'('), int(letters[side+k]-'(')
		}
	}
	return rs
}

// A split is the renumbering of points, and the halves by the numbers that kernels
// look up.
type split struct {
	number []uint64 // by the number in the file: a byte, and from bit 32 on the bits above
	half   [2][]int // first and second halves, as numbers of vectors
}

// splitPoints renumbers points, which are pairs of halves.
func (g *grid) splitPoints(pairs [][2]int) *split {
	rs := parseRectangles(g.rectangles)
	s := &split{number: make([]uint64, len(pairs), 2048)}
	for i := range s.half {
		s.half[i] = make([]int, side*len(rs))
	}
	at := map[[2]int]uint16{}
	for c, r := range rs {
		for i := range side {
			for k := range side {
				num := g.join(c, i, k)
				at[[2]int{r.first[i], r.second[k]}] = num
				a, b := g.halfNumbers(int(num))
				s.half[0][a], s.half[1][b] = r.first[i], r.second[k]
			}
		}
	}
	for i, p := range pairs {
		num, ok := at[p]
		if !ok {
			panic("matmul: the rectangles do not cover the grid") // the tests exclude it
		}
		s.number[i] = uint64(num&255) | uint64(num>>8)<<32
	}
	return s
}

// join makes a number of a rectangle and vectors of its sides. The lower eight bits
// are the byte of a vec of numbers, those above are kept apart, see putRests.
//
//	IQ1    rectangle 0-2 and 7, first 3-6, second 8-11
//	IQ2_S  rectangle 1-3, first 0 and 4-6, second 8-10 and 7
func (g *grid) join(c, first, second int) uint16 {
	if g.rests == 4 {
		return uint16(c&7 | c>>3<<7 | first<<3 | second<<8)
	}
	return uint16(c<<1 | first&1 | first>>1<<4 | second&7<<8 | second>>3<<7)
}

// halfNumbers returns the numbers that halves are looked up by.
func (g *grid) halfNumbers(num int) (first, second int) {
	if g.rests == 4 {
		return num & 255, num&0x87 | num>>8<<3
	}
	return num & 127, num>>1&7 | num>>8&7<<3 | num>>7&1<<6
}

// rests are the bits above the eighth of numbers, by blocks and rows: a word has those
// of four numbers in its bytes.
type rests [8][Group]uint32

// putRests writes the rests of all blocks. IQ1 has them in nibbles, the even block of a
// pair in the lower one. IQ2_S has three bits in three bytes for eight blocks: those of
// blocks 0 to 5 in pairs at bits 3 and 0, those of 6 and 7 in what is left.
func (g *grid) putRests(dst []byte, rest *rests) {
	for v := range g.rests {
		for r := range Group {
			even, odd := rest[2*v][r], rest[2*v+1][r]
			w := even | odd<<4
			if g.rests == 3 {
				w = even<<3 | odd
				switch v {
				case 1:
					w |= rest[6][r]>>2&0x01010101<<6 | rest[7][r]>>2&0x01010101<<7
				default:
					w |= rest[6+v/2][r] & 0x03030303 << 6
				}
			}
			binary.LittleEndian.PutUint32(dst[64*v+4*r:], w)
		}
	}
}

// getRest reads those of number p (row*4+k) back, to where they are in a number.
func (g *grid) getRest(rest []byte, b, p int) int {
	var bits byte
	switch {
	case g.rests == 4:
		bits = rest[64*(b/2)+p] >> (b % 2 * 4) & 15
	case b < 6:
		bits = rest[64*(b/2)+p] >> (3 - b%2*3) & 7
	default:
		bits = rest[128*(b-6)+p]>>6 | rest[64+p]>>b&1<<2
	}
	return int(bits) << 8
}
