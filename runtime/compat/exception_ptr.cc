// What GCC 11 and later inline of std::exception_ptr calls functions that libstdc++ exports since
// then (CXXABI_1.3.13). They are made here of the copy and the destructor, which every libstdc++
// since GCC 4.4 exports. A file by itself: only what uses std::exception_ptr takes it.

extern "C" {

// std::exception_ptr::exception_ptr(const exception_ptr&) and its destructor. The object is one
// pointer.
void _ZNSt15__exception_ptr13exception_ptrC1ERKS0_(void* self, const void* other);
void _ZNSt15__exception_ptr13exception_ptrD1Ev(void* self);

// One more reference: that of a copy, which nobody destroys.
void _ZNSt15__exception_ptr13exception_ptr9_M_addrefEv(void* self) {
  void* copy = nullptr;
  _ZNSt15__exception_ptr13exception_ptrC1ERKS0_(&copy, self);
}

void _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv(void* self) {
  _ZNSt15__exception_ptr13exception_ptrD1Ev(self);
  *static_cast<void**>(self) = nullptr;
}

}  // extern "C"
