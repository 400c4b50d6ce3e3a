"""`python -m loadproof.tasks.grading SECONDS [TRAFFIC…]`: started by GraderProcess."""

from loadproof.tasks.grading.child import main

main()
