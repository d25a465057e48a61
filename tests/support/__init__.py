"""What tests share: servers, pages, other programs and people in code."""
