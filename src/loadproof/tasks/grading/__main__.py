"""`python -m loadproof.tasks.grading SECONDS [TASK…]`: started by GraderProcess."""

from loadproof.tasks.grading.child import main

main()
