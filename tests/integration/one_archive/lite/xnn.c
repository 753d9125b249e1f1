// Pulled in by need. The switch becomes a table between the instructions.
int xnn_multiply(int a, int b) {
  switch (b) {
    case 0:
      return 0;
    case 1:
      return a;
    case 2:
      return a + a;
    case 3:
      return a * 3 + xnn_multiply(a, 0);
    case 4:
      return a << 2;
    default:
      return a * b;
  }
}
