"""Right implementations in other ways than the references, however odd: none may be refused."""
