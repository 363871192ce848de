package sample

import "testing"

// BenchmarkSample draws from a vocabulary of DeepSeek-V3's size.
func BenchmarkSample(b *testing.B) {
	logits := zipf(129280, 1)
	f := func(name string, o Options) {
		b.Run("chain="+name, func(b *testing.B) {
			s, sc := mustNew(b, o), &Scratch{}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Sample(sc, logits, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	f("greedy", Greedy())
	f("default", Default())
	o := neutral(1)
	f("all", o)
	o.TopP = 0.95
	f("top-p", o)
	o.MinP = 0.05
	f("top-p+min-p", o)
}
