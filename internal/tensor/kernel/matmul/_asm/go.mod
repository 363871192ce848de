module github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul/_asm

go 1.26.0
