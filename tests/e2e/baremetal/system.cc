// Clocks, files, constructors and streams.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "tfport/baremetal.h"

namespace {

int constructed = 0;

struct Global {
  Global() { constructed++; }
  ~Global() { printf("a global is destroyed\n"); }
} global;

const char kText[] = "first line\nsecond line\n";
const tfport_bm_file kFile = {"/model/notes.txt", kText, sizeof kText - 1};

void Clocks() {
  timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  auto steady = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; i++) {
    auto now = std::chrono::steady_clock::now();
    CHECK(now >= steady);
    steady = now;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(3));
  CHECK(std::chrono::steady_clock::now() - steady >= std::chrono::milliseconds(3));
  clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK(after.tv_sec > before.tv_sec || after.tv_nsec > before.tv_nsec);
  CHECK(after.tv_nsec < 1000000000);
  CHECK(time(nullptr) == tfport_bm_epoch() + after.tv_sec);
  CHECK(clock_gettime(99, &after) == -1 && errno == EINVAL);
  // The same on all cores: time that one thread passes to the next never goes back.
  std::atomic<uint64_t> last{tfport_bm_ticks()};
  std::atomic<int> turn{0};
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; id++)
    threads.emplace_back([&, id] {
      for (int i = 0; i < 50; i++) {
        while (turn % 4 != id) std::this_thread::yield();
        uint64_t now = tfport_bm_ticks();
        CHECK(now >= last);
        last = now;
        turn++;
      }
    });
  for (std::thread& thread : threads) thread.join();
}

void Files() {
  CHECK(tfport_bm_add_file(&kFile) == 0);
  CHECK(tfport_bm_add_file(&kFile) == EEXIST);
  std::ifstream stream("/model/notes.txt");
  std::string line;
  CHECK(std::getline(stream, line) && line == "first line");
  CHECK(std::getline(stream, line) && line == "second line");
  CHECK(!std::getline(stream, line));
  FILE* file = fopen("/model/notes.txt", "rb");
  CHECK(file != nullptr);
  CHECK(fseek(file, -5, SEEK_END) == 0 && fgetc(file) == 'l' && ftell(file) == 19);
  CHECK(fseek(file, 0, SEEK_SET) == 0);
  char buffer[100];
  CHECK(fread(buffer, 1, sizeof buffer, file) == kFile.size && feof(file));
  CHECK(memcmp(buffer, kText, kFile.size) == 0);
  fclose(file);
  struct stat status;
  CHECK(stat("/model/notes.txt", &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size == static_cast<off_t>(kFile.size));
  CHECK(!fopen("/model/notes.txt", "r+b") && errno == EROFS);
  CHECK(!fopen("/no/such/file", "rb") && errno == ENOENT);
  int descriptor = open("/model/notes.txt", O_RDONLY);
  CHECK(descriptor > 2);
  CHECK(close(descriptor) == 0 && close(descriptor) == -1 && errno == EBADF);
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; id++)
    threads.emplace_back([] {
      for (int i = 0; i < 50; i++) {
        FILE* own = fopen("/model/notes.txt", "rb");
        char word[6] = {};
        CHECK(own && fread(word, 1, 5, own) == 5 && strcmp(word, "first") == 0);
        if (own) fclose(own);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

// With semihosting there are the files of the machine that answers; without, there are none.
void HostFiles() {
  const char* name = getenv("TFPORT_NO_SUCH") ? "" : "baremetal-scratch.txt";
  FILE* file = fopen(name, "wb");
  CHECK((file != nullptr) == (tfport_bm_semihosting() != 0));
  if (!file) return;
  CHECK(fputs("written on the board", file) >= 0 && fclose(file) == 0);
  std::ifstream stream(name);
  std::string text;
  CHECK(std::getline(stream, text) && text == "written on the board");
  stream.close();
  CHECK(remove(name) == 0);
  CHECK(fopen(name, "rb") == nullptr);
}

// Lines of several threads do not mix, whichever stream they take.
void Streams() {
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; id++)
    threads.emplace_back([id] {
      for (int i = 0; i < 10; i++) {
        std::string line(40, static_cast<char>('a' + id));
        printf("%s\n", line.c_str());
        std::cout << line + "\n";
      }
    });
  for (std::thread& thread : threads) thread.join();
  printf("one, ");
  std::cout << "two, ";
  printf("three\n");
}

}  // namespace

int main(int count, char** arguments) {
  CHECK(constructed == 1);
  for (int i = 0; i < count; i++) printf("argument %s\n", arguments[i]);
  printf("semihosting %d\n", tfport_bm_semihosting());
  atexit([] { printf("atexit\n"); });
  Clocks();
  Files();
  HostFiles();
  Streams();
  std::random_device random;
  CHECK(random() != random());
  CHECK(getpid() == 1);
  CHECK(getenv("HOME") == nullptr);
  return Verdict();
}
