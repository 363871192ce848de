package weights

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// pieceBytes is how much of a tensor one read brings in: large enough that a
// system call does not count, small enough that the piece is still in a
// second-level cache when it is packed.
const pieceBytes = 256 << 10

// A Store owns the memory of loaded weights.
type Store struct {
	arena *mem.Arena
	sizes Sizes
}

// Sizes says what the store holds.
func (s *Store) Sizes() Sizes { return s.sizes }

// Close frees the weights.
func (s *Store) Close() error {
	if s == nil || s.arena == nil {
		return nil
	}
	return s.arena.Free()
}

// A piece is a run of row groups of one matrix: the unit of work of loading.
type piece struct {
	m      *matrix
	index  int    // which matrix of the stack
	dst    []byte // the matrix's packed memory
	lo, hi int    // groups
}

// Load fills every declared place. The workers of team read the file in pieces
// (read calls, not page faults, which would stall them one page at a time) and
// pack each piece while it is in cache. progress may be nil.
func (b *Binder) Load(team *par.Team, progress func(done, total int64)) (*Store, error) {
	if b.err != nil {
		return nil, b.err
	}
	s := &Store{sizes: b.Sizes()}
	total := s.sizes.Total()
	if int64(int(total)) != total {
		return nil, fmt.Errorf("model: the weights take %d bytes, more than this machine can address", total)
	}
	arena, err := mem.NewArena(int(total) + lineBytes)
	if err != nil {
		return nil, fmt.Errorf("model: memory for the weights: %w", err)
	}
	s.arena = arena
	if err := b.loadInto(s, team, progress); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (b *Binder) loadInto(s *Store, team *par.Team, progress func(done, total int64)) error {
	for _, v := range b.vectors {
		if err := b.loadVector(s.arena, v); err != nil {
			return err
		}
	}
	if b.mapped {
		return b.mapMatrices()
	}
	var pieces []piece
	for _, m := range b.matrices {
		for i := range m.count() {
			dst, err := s.arena.Alloc(m.packed, lineBytes)
			if err != nil {
				return fmt.Errorf("model: memory for tensor %q: %w", m.t.Name, err)
			}
			pieces = appendPieces(pieces, m, i, dst)
			if err := m.set(i, func() (*matmul.Matrix, error) { return matmul.Packed(m.t.Type, m.rows, m.cols, dst) }); err != nil {
				return err
			}
		}
	}
	return b.copyPieces(pieces, team, progress)
}

// set puts one matrix of the stack wherever it was asked for.
func (m *matrix) set(i int, make func() (*matmul.Matrix, error)) error {
	w, err := make()
	if err != nil {
		return fmt.Errorf("model: tensor %q: %w", m.t.Name, err)
	}
	for j := i; j < len(m.dst); j += m.count() {
		*m.dst[j] = w
	}
	return nil
}

// loadVector reads a vector and converts it, as a rule to float32.
func (b *Binder) loadVector(arena *mem.Arena, v *vector) error {
	raw := make([]byte, v.t.Size)
	if err := b.read(v.t.Name, raw, 0); err != nil {
		return err
	}
	data, err := arena.Alloc(v.bytes(), lineBytes)
	if err != nil {
		return fmt.Errorf("model: memory for tensor %q: %w", v.t.Name, err)
	}
	if v.half != nil {
		copy(data, raw)
		*v.half = mem.Uint16s(data)
		return nil
	}
	x := mem.Float32s(data)
	if err := quant.Dequantize(v.t.Type, x, raw); err != nil {
		return fmt.Errorf("model: tensor %q: %w", v.t.Name, err)
	}
	for _, dst := range v.dst {
		*dst = x
	}
	return nil
}

// mapMatrices lays matrices over the file's mapping.
func (b *Binder) mapMatrices() error {
	for _, m := range b.matrices {
		data, err := b.f.Data(m.t)
		if err != nil {
			return fmt.Errorf("model: tensor %q: %w", m.t.Name, err)
		}
		size := m.rowBytes * m.rows
		for i := range m.count() {
			at := m.firstRow(i) * m.rowBytes
			part := data[at : at+size : at+size]
			if err := m.set(i, func() (*matmul.Matrix, error) { return matmul.Raw(m.t.Type, m.rows, m.cols, part) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendPieces cuts a matrix into runs of groups of about pieceBytes.
func appendPieces(pieces []piece, m *matrix, index int, dst []byte) []piece {
	groups := (m.rows + matmul.Group - 1) / matmul.Group
	step := max(1, pieceBytes/(m.rowBytes*matmul.Group))
	for lo := 0; lo < groups; lo += step {
		pieces = append(pieces, piece{m: m, index: index, dst: dst, lo: lo, hi: min(lo+step, groups)})
	}
	return pieces
}

// copyPieces reads and packs all pieces with all workers, in file order so that
// a cold file is read front to back.
func (b *Binder) copyPieces(pieces []piece, team *par.Team, progress func(done, total int64)) error {
	var total, done int64
	longest := 0
	for _, p := range pieces {
		total += int64(p.bytes())
		longest = max(longest, p.bytes())
	}
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	report := func(n int, err error) bool {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
		done += int64(n)
		if progress != nil && n > 0 {
			progress(done, total)
		}
		return failed == nil
	}
	team.Run(func(int) {
		buf := make([]byte, longest)
		for {
			i := int(next.Add(1)) - 1
			if i >= len(pieces) {
				return
			}
			n, err := b.copyPiece(&pieces[i], buf)
			if !report(n, err) {
				return
			}
		}
	})
	return failed
}

func (p *piece) bytes() int {
	rows := min(p.hi*matmul.Group, p.m.rows) - p.lo*matmul.Group
	return rows * p.m.rowBytes
}

// copyPiece reads one piece into buf and packs it into place.
func (b *Binder) copyPiece(p *piece, buf []byte) (int, error) {
	m := p.m
	src := buf[:p.bytes()]
	off := int64(m.firstRow(p.index)+p.lo*matmul.Group) * int64(m.rowBytes)
	if err := b.read(m.t.Name, src, off); err != nil {
		return 0, err
	}
	packPiece(p, src)
	return len(src), nil
}

// read fills p from a tensor's data at off.
func (b *Binder) read(name string, p []byte, off int64) error {
	t, _ := b.f.Tensor(name)
	if _, err := b.f.ReadAt(t, p, off); err != nil {
		return fmt.Errorf("model: read tensor %q: %w", name, err)
	}
	return nil
}
