#include "options.h"

#include <errno.h>
#include <stdlib.h>

namespace runner {
namespace {

Status Usage(const std::string& message) { return {kExitUsage, message + "; see --help"}; }

// Reads a whole number in [least, most]; false when the text is anything else.
bool ParseNumber(const std::string& text, uint64_t least, uint64_t most, uint64_t* number) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  errno = 0;
  char* end = nullptr;
  *number = strtoull(text.c_str(), &end, 0);
  return errno == 0 && *end == '\0' && *number >= least && *number <= most;
}

struct NumberOption {
  const char* name;
  int Options::*value;
  uint64_t least;
  uint64_t most;
};

constexpr NumberOption kNumbers[] = {
    {"--threads", &Options::threads, 1, 64},
    {"--repeat", &Options::repeat, 1, 1000000},
    {"--warmup", &Options::warmup, 0, 1000000},
};

struct TextOption {
  const char* name;
  std::string Options::*value;
};

constexpr TextOption kTexts[] = {
    {"--output", &Options::output},
    {"--signature", &Options::signature},
};

struct Switch {
  const char* name;
  bool Options::*value;
  bool set_to;
};

constexpr Switch kSwitches[] = {
    {"--no-xnnpack", &Options::xnnpack, false},
    {"--json", &Options::json, true},
    {"--verbose", &Options::verbose, true},
    {"--help", &Options::help, true},
    {"-h", &Options::help, true},
    {"--version", &Options::version, true},
};

// Stores the value of an option that takes one.
Status StoreValue(const std::string& name, const std::string& value, Options* options) {
  for (const NumberOption& option : kNumbers) {
    if (name != option.name) continue;
    uint64_t number = 0;
    if (!ParseNumber(value, option.least, option.most, &number)) {
      return Usage(name + " takes a number from " + std::to_string(option.least) + " to " +
                   std::to_string(option.most) + ", not '" + value + "'");
    }
    options->*option.value = static_cast<int>(number);
    return {};
  }
  for (const TextOption& option : kTexts) {
    if (name != option.name) continue;
    if (value.empty()) return Usage(name + " must not be empty");
    options->*option.value = value;
    return {};
  }
  if (name == "--seed") {
    if (ParseNumber(value, 0, UINT64_MAX, &options->seed)) return {};
    return Usage("--seed takes a number from 0 to 2^64 - 1, not '" + value + "'");
  }
  if (name == "--fetch") {
    if (value.empty()) return Usage("--fetch must not be empty");
    options->fetch.push_back(value);
    return {};
  }
  // --input. Tensor names may hold '=', paths hardly ever do.
  const size_t equals = value.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == value.size()) {
    return Usage("--input takes NAME=FILE.npy, not '" + value + "'");
  }
  options->inputs.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  return {};
}

bool TakesValue(const std::string& name) {
  for (const NumberOption& option : kNumbers) {
    if (name == option.name) return true;
  }
  for (const TextOption& option : kTexts) {
    if (name == option.name) return true;
  }
  return name == "--seed" || name == "--input" || name == "--fetch";
}

constexpr char kUsage[] =
    "once and reports what happened.\n"
    "\n"
    "  --input NAME=FILE.npy  feed the input NAME (a name of the signature or of the tensor);\n"
    "                         repeat for more. Inputs without a file get a seeded pattern\n"
    "  --seed N               seed of that pattern (0)\n"
    "  --fetch NAME           ask for this output only; repeat for more\n"
    "  --output DIR           write each output to DIR as <index>_<name>.npy, strings as .json\n"
    "  --signature NAME       run this signature instead of the default one\n"
    "  --threads N            threads (1)\n"
    "  --repeat N             timed inferences (1)\n"
    "  --warmup N             inferences before those, not timed (0)\n"
    "  --no-xnnpack           use the runtime's own kernels only\n"
    "  --json                 print one JSON object\n"
    "  --verbose              print the library's log\n"
    "  --version, --help\n"
    "\n"
    "Exit codes: 0 done, 2 wrong usage, 3 model unreadable or refused, 4 unsupported op,\n"
    "5 input does not fit, 6 inference failed, 7 this CPU lacks a feature.\n";

}  // namespace

std::string UsageText(const std::string& models) {
  return "Usage: tfport-run MODEL [options]\n\nRuns MODEL, " + models + ", " + kUsage;
}

Status ParseOptions(const std::vector<std::string>& arguments, Options* options) {
  bool only_operands = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (only_operands || argument.empty() || argument[0] != '-' || argument == "-") {
      if (!options->model.empty()) {
        return Usage("one model at a time: '" + options->model + "' and '" + argument + "'");
      }
      if (argument.empty()) return Usage("the model's path is empty");
      options->model = argument;
      continue;
    }
    if (argument == "--") {
      only_operands = true;
      continue;
    }
    bool is_switch = false;
    for (const Switch& option : kSwitches) {
      if (argument != option.name) continue;
      options->*option.value = option.set_to;
      is_switch = true;
    }
    if (is_switch) continue;
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (!TakesValue(name)) return Usage("unknown option '" + argument + "'");
    std::string value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return Usage(name + " needs a value");
    }
    const Status status = StoreValue(name, value, options);
    if (!status.ok()) return status;
  }
  if (options->model.empty() && !options->help && !options->version) return Usage("no model given");
  return {};
}

}  // namespace runner
