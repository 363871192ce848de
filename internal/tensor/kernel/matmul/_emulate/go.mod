module github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul/_emulate

go 1.26.0
