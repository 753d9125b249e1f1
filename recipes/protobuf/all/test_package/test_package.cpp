#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdio>
#include <string>
#include <type_traits>

#include "board.pb.h"

// The application's own protobuf would be this namespace without the macro.
static_assert(std::is_same<google::protobuf::Message, tfport_google::protobuf::Message>::value,
              "not renamed");

int main() {
  tfport::Board core;
  core.set_name("cortex-a7");
  tfport::Board board;
  board.set_name("zuluko");
  (*board.mutable_memory())["ram"] = INT64_C(1) << 33;
  board.add_clocks(0.5f);
  board.mutable_extra()->PackFrom(core);

  tfport::Board binary;
  if (!binary.ParseFromString(board.SerializeAsString())) return 1;
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(binary, &text)) return 2;
  std::fputs(text.c_str(), stdout);
  // The text holds the inner message by its name, which the descriptor pool must know.
  tfport::Board parsed;
  if (!google::protobuf::TextFormat::ParseFromString(text, &parsed)) return 3;
  if (!google::protobuf::util::MessageDifferencer::Equals(board, parsed)) return 4;
  tfport::Board inner;
  if (!parsed.extra().UnpackTo(&inner) || inner.name() != "cortex-a7") return 5;
  return parsed.extra().type_url() == "type.googleapis.com/tfport.Board" ? 0 : 6;
}
