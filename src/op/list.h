
/* network */
X(matmul)
