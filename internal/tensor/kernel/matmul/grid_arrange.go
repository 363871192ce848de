package matmul

// arrange returns the job with its activations in the order that the kernels of the
// layout want: once for all groups of a call. See the fields of grid.
func (j *job) arrange(lay *layout) job {
	arranged := *j
	arr := lay.arranger()
	if arr == nil {
		return arranged
	}
	units := lay.units(j.m.Cols)
	to := &j.s.arranged
	to.stride = units * lay.arranged
	if need := j.n * to.stride; len(to.data) < need {
		to.data = alignedBytes(need)
	}
	for i := range j.n {
		arr(&to.data[i*to.stride], &j.acts.data[j.row(i)*j.acts.stride], units)
	}
	arranged.acts, arranged.rows, arranged.base = to, nil, 0
	return arranged
}

// actBytes returns the number of bytes of activations that meet a unit of weights.
func (j *job) actBytes(lay *layout) int {
	if j.acts == &j.s.arranged {
		return lay.arranged
	}
	return unitBytes[lay.kind]
}
