"""Planning: which shape of placement is best, kept between starts and reported."""
