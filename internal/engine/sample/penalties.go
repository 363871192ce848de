package sample

import "math"

// penalties counts the last tokens and lowers those seen before.
type penalties struct {
	lastN           int
	repeat          float32
	freq, presence  float32
	counts          map[int32]int32
	counted, forgot int // history[forgot:counted] is in counts
}

func (p *penalties) init(o *Options) {
	p.lastN = o.PenaltyLastN
	p.repeat, p.freq, p.presence = float32(o.RepeatPenalty), float32(o.FrequencyPenalty), float32(o.PresencePenalty)
	if p.repeat == 0 {
		p.repeat = 1
	}
	if p.lastN < 0 {
		p.lastN = math.MaxInt
	}
	if p.on() {
		p.counts = make(map[int32]int32)
	}
}

func (p *penalties) on() bool {
	return p.lastN != 0 && (p.repeat != 1 || p.freq != 0 || p.presence != 0)
}

func (p *penalties) apply(sc *Scratch, logits []float32, history []int32) {
	if !p.on() {
		return
	}
	p.slide(history)
	for id, n := range p.counts { // each entry stands alone: the order is free
		if int(id) >= len(logits) || id < 0 {
			continue
		}
		l := logits[id]
		if l <= 0 {
			l *= p.repeat
		} else {
			l /= p.repeat
		}
		sc.set(logits, id, l-float32(n)*p.freq-p.presence)
	}
}

// slide moves the window of counted tokens to the end of history.
func (p *penalties) slide(history []int32) {
	for ; p.counted < len(history); p.counted++ {
		p.counts[history[p.counted]]++
	}
	for ; p.counted-p.forgot > p.lastN; p.forgot++ {
		id := history[p.forgot]
		if p.counts[id]--; p.counts[id] == 0 {
			delete(p.counts, id)
		}
	}
}
