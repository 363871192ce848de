package modeltest

// Fork returns a new sequence that goes on where s stands, as an engine makes
// one from a cached prefix: it shares the full blocks, has a copy of the
// unfinished one, and a copy of the state.
func (s *Seq) Fork() *Seq {
	r := s.r
	f := r.NewSeq()
	full := s.pos / r.spec.BlockTokens
	f.pos, f.blocks = s.pos, append(f.blocks, s.blocks[:full]...)
	if s.pos%r.spec.BlockTokens != 0 {
		id := r.blocks - 1 - r.next
		r.next++
		copy(r.block(id), r.block(s.blocks[full]))
		f.blocks = append(f.blocks, id)
	}
	copy(r.slot(f.slot), r.slot(s.slot))
	return f
}

func (r *Runner) block(id int32) []byte {
	return r.cache[int(id)*r.spec.BlockBytes:][:r.spec.BlockBytes]
}

func (r *Runner) slot(i int) []byte { return r.state[i*r.spec.StateBytes:][:r.spec.StateBytes] }
