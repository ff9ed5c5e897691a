"""`python -m ogniwo` is the `ogniwo` command."""

from ogniwo.project.entry import main

if __name__ == "__main__":
    main()
