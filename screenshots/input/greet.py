# %% Who is it?
name = input("What is your name? ")
print(f"Hello, {name}.")

# %% And how many?
squares = [number**2 for number in range(12)]
squares
