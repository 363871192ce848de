//go:build !noasm && !evexvnni

package matmul

// avxvnniTier names what the kernels of the tier avxvnni need.
const avxvnniTier = "avxvnni"
