#include <public/gemmlowp.h>

#include <cstdint>
#include <cstdio>
#include <tuple>

int main() {
  const std::uint8_t lhs[] = {1, 2, 3, 4};  // 2x2, row major
  const std::uint8_t rhs[] = {5, 7, 6, 8};  // 2x2, column major
  std::int32_t product[4] = {};

  using gemmlowp::MapOrder;
  gemmlowp::MatrixMap<const std::uint8_t, MapOrder::RowMajor> left(lhs, 2, 2);
  gemmlowp::MatrixMap<const std::uint8_t, MapOrder::ColMajor> right(rhs, 2, 2);
  gemmlowp::MatrixMap<std::int32_t, MapOrder::RowMajor> result(product, 2, 2);
  gemmlowp::GemmContext context;
  gemmlowp::GemmWithOutputPipeline<std::uint8_t, std::int32_t, gemmlowp::DefaultL8R8BitDepthParams>(
      &context, left, right, &result, 0, 0, std::make_tuple());

  std::printf("%d %d %d %d\n", product[0], product[1], product[2], product[3]);
  return product[0] == 19 && product[1] == 22 && product[2] == 43 && product[3] == 50 ? 0 : 1;
}
