package par

import (
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitCoversOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5000).Draw(t, "n")
		grain := rapid.IntRange(1, 70).Draw(t, "grain")
		size := rapid.IntRange(1, 70).Draw(t, "size")
		at, least, most := 0, n+grain, 0
		for w := range size {
			lo, hi := Split(n, grain, w, size)
			if lo != at || hi < lo || (hi != n && hi%grain != 0) {
				t.Fatalf("worker %d of %d got [%d,%d) after %d", w, size, lo, hi, at)
			}
			at = hi
			units := (hi - lo + grain - 1) / grain
			least, most = min(least, units), max(most, units)
		}
		if at != n || most > least+1 {
			t.Fatalf("covered %d of %d; shares of %d to %d units", at, n, least, most)
		}
	})
}

func TestClaimHandsOutEachItemOnce(t *testing.T) {
	team := New(3)
	defer team.Close()
	const n, grain = 1001, 7
	var c Claim
	seen := make([]int, n)
	for round := 1; round <= 3; round++ {
		c.Reset()
		team.Run(func(int) {
			for {
				lo, hi, ok := c.Next(grain, n)
				if !ok {
					return
				}
				for i := lo; i < hi; i++ {
					seen[i]++
				}
			}
		})
		for i, k := range seen {
			if k != round {
				t.Fatalf("round %d: item %d was handed out %d times", round, i, k)
			}
		}
	}
}

func TestClaimNextShrinkingCoversOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 5000).Draw(t, "n")
		least := rapid.IntRange(1, 70).Draw(t, "least")
		size := rapid.IntRange(1, 70).Draw(t, "size")
		var c Claim
		at, before := 0, n+least
		for {
			lo, hi, ok := c.NextShrinking(least, n, size)
			if !ok {
				break
			}
			if lo != at || hi <= lo || hi-lo > before || (hi != n && (hi-lo)%least != 0) {
				t.Fatalf("[%d,%d) after %d and a piece of %d", lo, hi, at, before)
			}
			at, before = hi, hi-lo
		}
		if at != n || n > 0 && before > least {
			t.Fatalf("covered %d of %d, the last piece has %d", at, n, before)
		}
	})
}

func TestClaimNextShrinkingTogether(t *testing.T) {
	team := New(3)
	defer team.Close()
	const n = 1001
	var c Claim
	seen := make([]atomic.Int32, n)
	team.Run(func(int) {
		for {
			lo, hi, ok := c.NextShrinking(2, n, 3)
			if !ok {
				return
			}
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
		}
	})
	for i := range seen {
		if k := seen[i].Load(); k != 1 {
			t.Fatalf("item %d was handed out %d times", i, k)
		}
	}
}
