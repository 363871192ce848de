//go:build noasm || !amd64

package attend

func (s *Scratch) setTiles(*Params) {}

func (s *Scratch) scoresTiles(_, _ int) { panic("attend: no products in tiles") }

func (s *Scratch) valuesTiles(_, _ int) { panic("attend: no products in tiles") }
