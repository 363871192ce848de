package hyper

import "math"

// sinkhorn makes a matrix of s*s raw weights doubly stochastic by Sinkhorn's
// method: a softmax over the destinations, then columns and rows divided by their
// sums in turn, ending with columns.
func sinkhorn(c []float64, s, iters int, eps float64) {
	for i := range s {
		row := c[i*s : (i+1)*s]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		sum := 0.0
		for j, v := range row {
			row[j] = math.Exp(v - top)
			sum += row[j]
		}
		for j := range row {
			row[j] = row[j]/sum + eps
		}
	}
	columns(c, s, eps)
	for range iters - 1 {
		for i := range s {
			row := c[i*s : (i+1)*s]
			sum := eps
			for _, v := range row {
				sum += v
			}
			for j := range row {
				row[j] /= sum
			}
		}
		columns(c, s, eps)
	}
}

func columns(c []float64, s int, eps float64) {
	for j := range s {
		sum := eps
		for i := range s {
			sum += c[i*s+j]
		}
		for i := range s {
			c[i*s+j] /= sum
		}
	}
}
