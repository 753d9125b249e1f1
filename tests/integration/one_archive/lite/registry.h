#pragma once
int KernelCount();
struct Registration {
  Registration();
};
