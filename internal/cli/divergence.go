package cli

import (
	"fmt"
	"io"
	"math"
)

// A divergence compares two models' logits for the same text: how much the second
// loses against the first. Perplexities of one text differ by chance when each
// value is rounded a little differently; the divergence of the whole distribution
// shows the same loss with a fraction of that noise.
type divergence struct {
	ref  tally // negative log-likelihoods of the first
	diff tally // of the second less those of the first
	kl   tally // Kullback-Leibler divergence of the second from the first
	same int   // rows with the same best token
}

// A drift is what --against-exact adds to a score.
type drift struct {
	Perplexity float64 `json:"perplexity"` // of the exact path
	Nll        float64 `json:"nll_difference"`
	NllError   float64 `json:"nll_difference_error"`
	KL         float64 `json:"kl"`
	KLError    float64 `json:"kl_error"`
	Same       float64 `json:"same_best_token"` // share
}

// add takes the logits of one position and the token that came next.
func (d *divergence) add(want, got []float32, next int32) {
	zw, zg := logSumExp(want), logSumExp(got)
	var kl float64
	bestWant, bestGot := 0, 0
	for i, w := range want {
		kl += math.Exp(float64(w)-zw) * (float64(w) - float64(got[i]))
		if w > want[bestWant] {
			bestWant = i
		}
		if got[i] > got[bestGot] {
			bestGot = i
		}
	}
	d.kl.add(kl + zg - zw)
	nll := zw - float64(want[next])
	d.ref.add(nll)
	d.diff.add(zg - float64(got[next]) - nll)
	if bestWant == bestGot {
		d.same++
	}
}

func (d *divergence) result() *drift {
	var r drift
	r.Perplexity, _, _ = d.ref.result()
	r.Nll, r.NllError = d.diff.mean()
	r.KL, r.KLError = d.kl.mean()
	r.Same = float64(d.same) / float64(d.kl.n)
	return &r
}

func (r *drift) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "exact path %.4f: off by %+.3f%% +/- %.3f%%, divergence %.6f +/- %.6f, same best token %.2f%%\n",
		r.Perplexity, 100*math.Expm1(r.Nll), 100*math.Exp(r.Nll)*r.NllError, r.KL, r.KLError, 100*r.Same)
	return err
}
