// Stands in front of every kernel.
//
// Eigen compiles a contraction eight times over, for what its operands may turn out to be. These
// two serve all: the one that the products of convolutions take, and the one that takes everything.
#ifndef TFPORT_CORE_CONTRACTIONS_H_
#define TFPORT_CORE_CONTRACTIONS_H_

#define TENSOR_CONTRACTION_DISPATCH(METHOD, ALIGNMENT, ARGS)                  \
  if (this->m_lhs_inner_dim_contiguous && this->m_rhs_inner_dim_contiguous && \
      !this->m_rhs_inner_dim_reordered) {                                     \
    METHOD<true, true, false, ALIGNMENT> ARGS;                                \
  } else {                                                                    \
    METHOD<false, false, true, ALIGNMENT> ARGS;                               \
  }

#endif  // TFPORT_CORE_CONTRACTIONS_H_
