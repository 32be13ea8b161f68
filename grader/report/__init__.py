"""What a gradebook looks like: on the terminal, as JSON, HTML, CSV and JUnit."""
